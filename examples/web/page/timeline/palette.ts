/** The timeline's colours: those of the style sheet, so that light and dark are decided in one place. */

const names = [
  'text',
  'quiet',
  'line',
  'card',
  'token',
  'on-token',
  'ahead',
  'due',
  'sent',
  'waiting',
  'replayed',
  'failed',
] as const;

export type Palette = Readonly<Record<(typeof names)[number], string>>;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette;
}
