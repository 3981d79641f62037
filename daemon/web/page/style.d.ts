/** Styles are bundled; programs import them for that alone. */
declare module '*.css'
