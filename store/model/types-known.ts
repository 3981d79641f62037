/**
 * The types of data that this version knows. A later version adds one at the end; nothing else decides what the codec
 * knows.
 */

/**
 * Their names, each at its number on the wire and on the disk; `sys` holds the mesh's own records, which users do not
 * see.
 */
export const knownTypes = ['reg', 'ctr', 'set', 'map', 'doc', 'sys'] as const
