/** Colours for a terminal, and for nothing else (https://no-color.org). */
const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 };

export type Colour = keyof typeof codes;

const isColoured = process.stdout.isTTY && !process.env['NO_COLOR'];

export function paint(colour: Colour, text: string): string {
  return isColoured ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text;
}
