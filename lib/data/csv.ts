import { ConvforgeError } from '../errors.js';

/**
 * Rows of comma-separated values (RFC 4180): fields in double quotes may hold the delimiter, line ends and doubled quotes.
 * Empty lines are left out.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT for quotes that do not end, or end in the middle of a field
 */
export function parseCsv(text: string, delimiter: string): { line: number; fields: string[] }[] {
  const rows: { line: number; fields: string[] }[] = [];
  // a byte order mark is no part of the first name
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const row = { line, fields: [] as string[] };
    for (;;) {
      let field: string;
      if (text[at] === '"') {
        const end = closingQuote(text, at, line);
        const quoted = text.slice(at + 1, end);
        line += quoted.split('\n').length - 1;
        field = quoted.replaceAll('""', '"');
        at = end + 1;
        if (at < text.length && text[at] !== delimiter && !/[\r\n]/.test(text[at])) throw badQuote(line);
      } else {
        const begin = at;
        while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') at++;
        field = text.slice(begin, at);
      }
      row.fields.push(field);
      if (text[at] !== delimiter) break;
      at++;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    if (row.fields.length > 1 || row.fields[0] !== '') rows.push(row);
  }
  return rows;
}

function closingQuote(text: string, open: number, line: number): number {
  for (let at = open + 1; ; at += 2) {
    at = text.indexOf('"', at);
    if (at < 0) throw new ConvforgeError('ERR_FILE_FORMAT', `line ${line}: a quoted field does not end`);
    if (text[at + 1] !== '"') return at;
  }
}

function badQuote(line: number): ConvforgeError {
  return new ConvforgeError('ERR_FILE_FORMAT', `line ${line}: text follows a quoted field`);
}
