// Where the package lies, whose files the program reads: of the sources and of the bundle, whose files all lie in `dist/`.
export const PACKAGE = new URL('../', import.meta.url)
