/** What a whole run of `invoke` has in common. */
export interface Run {
  /** The cache's URL, without its password. */
  readonly cache: string;
  /** The file of `--handler`; `null` for the handler of this package. */
  readonly handler: string | null;
  /** Whether the records' times were moved to now. */
  readonly restamped: boolean;
}
