/** Types of bundle.mjs. */

/** Writes the bundles of the command line and the client into a folder. */
export function bundle(folder: string): Promise<void>

/** Writes the bundle of the daemon into a folder; returns the packages that it loads from outside. */
export function bundleDaemon(folder: string): Promise<string[]>

/** Writes the page of the dashboard, its script and its style into a folder. */
export function bundleDashboard(folder: string): Promise<void>
