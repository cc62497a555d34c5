/** The SDK's packages whose clients get the middleware, with the class that all clients of each are of. */
const CLASSES: Readonly<Record<string, string>> = {
  '@aws-sdk/client-dynamodb': 'DynamoDBClient',
  '@aws-sdk/lib-dynamodb': 'DynamoDBDocumentClient',
};

export const ADOPTED = /^@aws-sdk\/(?:client|lib)-dynamodb$/;

/** What authentication with IAM needs, and not every application has. */
export const SIGNATURES = '@smithy/signature-v4';

export interface CachingClientsOptions {
  /** Whether the cache is one of Momento's: its SDK is several times as large as all the rest. Default `false`. */
  readonly momento?: boolean | undefined;
}

/**
 * Stands before a copy of one of the SDK's packages: tells of its class, and hands on all that it exports.
 *
 * @param sdkPackage the package's name
 * @param sdk what to import the copy as
 * @param adopt what to import {@link adoptModule} as
 */
export function sdkModule(sdkPackage: string, sdk: string, adopt: string): string {
  const name = CLASSES[sdkPackage];
  return `
    import { adopt } from ${JSON.stringify(adopt)};
    import { ${name} } from ${JSON.stringify(sdk)};
    import * as all from ${JSON.stringify(sdk)};
    adopt({ ${name} });
    export * from ${JSON.stringify(sdk)};
    export default all;`;
}

/**
 * The one module of a bundle that knows the middleware.
 *
 * @param ours the folder of this package's built code
 * @param hasSignatures whether `@smithy/signature-v4` is there, which authentication with IAM needs
 */
export function adoptModule(
  ours: string,
  { momento = false }: CachingClientsOptions,
  hasSignatures: boolean,
): string {
  const kinds = [
    { from: 'memcached', name: 'memcachedStore', isIn: true },
    { from: 'iam', name: 'iamAuthentication', isIn: hasSignatures },
    { from: 'momento', name: 'momentoStore', isIn: momento },
  ].filter(({ isIn }) => isIn);
  const imports = kinds.map(
    ({ from, name }) => `import { ${name} } from ${JSON.stringify(`${ours}${from}/index.js`)};`,
  );
  return `
    import { newAdopt } from ${JSON.stringify(`${ours}adopt.js`)};
    ${imports.join('\n')}
    export const adopt = newAdopt({ ${kinds.map(({ name }) => name).join(', ')} });`;
}
