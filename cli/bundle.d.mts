/** Types of bundle.mjs. */

/** Writes the bundles of the command line and the client into a folder. */
export function bundle(folder: string): Promise<void>
