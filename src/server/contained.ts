/** Calls a callback of the user's that may throw, or reject where it should not have been async. Never waits for it. */
export function contained(callback: () => unknown, fault: (error: unknown) => void = () => undefined): void {
  new Promise((resolve) => resolve(callback())).catch(fault);
}
