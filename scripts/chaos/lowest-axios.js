/** A loader hook: whoever imports `axios` gets the lowest supported version. */
export function resolve(specifier, context, nextResolve) {
  return nextResolve(specifier === 'axios' ? 'axios-lowest' : specifier, context);
}
