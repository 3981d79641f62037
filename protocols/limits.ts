/** Limits that all protocols share, by name. */

/** Fields of later versions at the end of one message. */
export const laterFieldsMax = 64
