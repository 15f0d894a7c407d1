import { dirname } from 'node:path';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { whole } from '../geometry.js';
import { readBytes } from '../io/files.js';
import { parseCsv } from './csv.js';
import { type ImageFileOptions, ImageFiles } from './imagefiles.js';

/** Options of {@link csvIndex}. */
export interface CsvIndexOptions extends ImageFileOptions {
  /** Name of the column with the paths of images, or its number from 0. Default: the first. */
  image?: string | number;
  /** Name of the column with the labels, or its number from 0. Default: the second. */
  label?: string | number;
  /** Folder that paths start from, unless they are absolute. Default: that of the file. */
  root?: string;
  /** What separates fields, one character. Default ','. */
  delimiter?: string;
  /** The first row names the columns. Default true. */
  header?: boolean;
  /** 'class' (default): labels are classes; 'number': they are numbers to predict, float32. */
  target?: 'class' | 'number';
  /** Names of the classes in their order. Default: integers stand for themselves, other labels are numbered sorted. */
  classes?: readonly string[];
}

/**
 * Images that a table names, one a row: its path and its label.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT when the table cannot be read, or names the line in which a field is missing or is
 *   no label; ArgumentError for options out of range and columns that are not there
 */
export async function csvIndex(file: string, options: CsvIndexOptions = {}): Promise<ImageFiles> {
  const { image = 0, label = 1, root = dirname(file), delimiter = ',', header = true, target = 'class' } = options;
  check(
    typeof delimiter === 'string' && delimiter.length === 1 && !/["\r\n]/.test(delimiter),
    'csvIndex',
    () => `delimiter must be one character, got ${JSON.stringify(delimiter)}`,
    ArgumentError,
  );
  check(
    target === 'class' || target === 'number',
    'csvIndex',
    () => `target must be class or number, got ${JSON.stringify(target)}`,
    ArgumentError,
  );
  const bytes = await readBytes('csvIndex', file);
  const rows = rowsOf(file, bytes.toString('utf8'), delimiter);
  const names = header ? (rows.shift()?.fields ?? []) : null;
  check(rows.length > 0, 'csvIndex', () => `there are no rows in ${file}`, ArgumentError);
  const columns = [image, label].map((column) => columnOf(file, names, column));
  const [paths, labels] = columns.map((column) =>
    rows.map(({ line, fields }) => {
      const field = fields[column]?.trim();
      if (!field) throw wrong(file, line, `there is no field ${column}`);
      return { line, field };
    }),
  );
  return ImageFiles.of(
    {
      operation: 'csvIndex',
      root,
      paths: paths.map(({ field }) => field),
      ...(target === 'number' ? numbersOf(file, labels) : classesOf(file, labels, options.classes)),
      archive: null,
    },
    options,
  );
}

/** Beyond this numbers are surely no classes. */
const MOST_CLASSES = 1e6;

interface Field {
  line: number;
  field: string;
}

function wrong(file: string, line: number, why: string): ConvforgeError {
  return new ConvforgeError('ERR_FILE_FORMAT', `csvIndex: ${file} line ${line}: ${why}`);
}

function rowsOf(file: string, text: string, delimiter: string): ReturnType<typeof parseCsv> {
  try {
    return parseCsv(text, delimiter);
  } catch (cause) {
    throw new ConvforgeError('ERR_FILE_FORMAT', `csvIndex: ${file} ${(cause as Error).message}`, { cause });
  }
}

function columnOf(file: string, names: readonly string[] | null, column: string | number): number {
  if (typeof column === 'number') {
    return whole('csvIndex', 'the number of a column', column, 0);
  }
  check(
    names !== null,
    'csvIndex',
    () => `without a header columns have numbers, got ${JSON.stringify(column)}`,
    ArgumentError,
  );
  const found = names.findIndex((name) => name.trim() === column);
  check(
    found >= 0,
    'csvIndex',
    () => `there is no column ${JSON.stringify(column)} in ${file}, but ${names.join(', ')}`,
    ArgumentError,
  );
  return found;
}

function numbersOf(file: string, labels: readonly Field[]): { labels: Float32Array; classes: readonly string[] } {
  const numbers = labels.map(({ line, field }) => {
    const number = Number(field);
    if (!Number.isFinite(number)) throw wrong(file, line, `${JSON.stringify(field)} is no number`);
    return number;
  });
  return { labels: Float32Array.from(numbers), classes: [] };
}

function classesOf(
  file: string,
  labels: readonly Field[],
  given: readonly string[] | undefined,
): { labels: Int32Array; classes: readonly string[] } {
  if (!given && labels.every(({ field }) => /^\d{1,9}$/.test(field))) {
    // a table of a part of the data must give the same numbers as that of the whole
    const numbers = Int32Array.from(labels, ({ field }) => Number(field));
    const most = numbers.reduce((a, b) => Math.max(a, b), 0);
    check(
      most < MOST_CLASSES,
      'csvIndex',
      () => `${file} has class ${most}; numbers that are names need the option classes`,
      ArgumentError,
    );
    return { labels: numbers, classes: Array.from({ length: most + 1 }, (_, number) => `${number}`) };
  }
  const classes = given ?? [...new Set(labels.map(({ field }) => field))].sort();
  const numbers = new Map(classes.map((name, number) => [name, number]));
  const found = labels.map(({ line, field }) => {
    const number = numbers.get(field);
    if (number === undefined)
      throw wrong(file, line, `${JSON.stringify(field)} is none of the classes ${classes.join(', ')}`);
    return number;
  });
  return { labels: Int32Array.from(found), classes };
}
