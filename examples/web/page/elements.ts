/** Finds the page's elements: a missing one is a fault of the page, told by its id. */

export function find<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`#${id} is missing`);
  return element;
}

/** Writes only what is new: unchanged text is not announced again, and costs no layout. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
