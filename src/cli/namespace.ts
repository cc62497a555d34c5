/** The namespace of a command: as given, or of the environment, where an empty one is none. */
export function namespaceOf({ namespace }: { readonly namespace?: string | undefined }): string | undefined {
  return namespace ?? (process.env.STREAM_CACHE_NAMESPACE || undefined);
}
