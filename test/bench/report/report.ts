/** Placeholder. */
export function writeReport(): void {}
