/** Colours of drawings: text, secondary text, lines of a grid, paper. */
export const INK = '#1f2328';
export const MUTED = '#656d76';
export const GRID = '#e4e7eb';
export const PAPER = '#ffffff';

/** Colours for series, told apart with any kind of colour vision (Okabe and Ito's set, without its yellow and black). */
export const SERIES_COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'] as const;

const FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif";

/** Text as it may stand in an element or an attribute. */
export function escapeXml(text: string): string {
  const names: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };
  // Control characters are not allowed in XML at all, not even escaped.
  return [...text]
    .map((character) => (names[character] ? `&${names[character]};` : character < ' ' ? ' ' : character))
    .join('');
}

export interface TextStyle {
  size?: number;
  anchor?: 'start' | 'middle' | 'end';
  color?: string;
  bold?: boolean;
}

/** '' for an empty text. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  if (!content) return '';
  const { size = 12, anchor = 'start', color = INK, bold = false } = style;
  const weight = bold ? ' font-weight="600"' : '';
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}" fill="${color}"${weight}>${escapeXml(content)}</text>`;
}

/** A guess at the width of a text, which only its reader's fonts could tell; on the wide side. */
export function textWidth(content: string, size = 12): number {
  return [...content].length * size * 0.62;
}

export function line(x1: number, y1: number, x2: number, y2: number, color: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${color}"/>`;
}

export function rect(x: number, y: number, width: number, height: number, color: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${color}"/>`;
}

/** A whole drawing on paper; elements that are '' are left out. */
export function svgDocument(width: number, height: number, elements: readonly string[]): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="${FONT}">
${rect(0, 0, w, h, PAPER)}
${elements.filter(Boolean).join('\n')}
</svg>
`;
}

/** Coordinates to a hundredth of a pixel: finer is only longer. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
