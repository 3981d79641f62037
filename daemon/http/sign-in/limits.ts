/** Limits of the sign-in of browsers, by name. */

/** Random bytes of a link and of a session. */
export const signInSecretBytes = 32
/** Time for which a link can be used, in milliseconds, and links outstanding. */
export const linkMs = 5 * 60_000
export const linksMax = 16
/** Time for which a browser stays signed in, in milliseconds, and browsers at once. */
export const browserSessionMs = 12 * 3_600_000
export const browserSessionsMax = 64
/** Bytes of the body of a sign-in, which nobody has vouched for. */
export const signInBodyBytesMax = 1024
