/** A tar archive in the ustar format of files by their paths; longer paths than 100 bytes as GNU's tar writes them. */
export function tarOf(files: readonly (readonly [path: string, data: Uint8Array, type?: string])[]): Buffer {
  const blocks = files.flatMap(([path, data, type = '0']) =>
    path.length > 100
      ? [...entry('././@LongLink', Buffer.from(`${path}\0`), 'L'), ...entry(path.slice(0, 100), data, type)]
      : entry(path, data, type),
  );
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** An archive with another text in the size field of its first header. */
export function withSize(tar: Buffer, size: string): Buffer {
  const changed = Buffer.from(tar);
  changed.write(size.padEnd(12, '\0'), 124, 'latin1');
  sign(changed.subarray(0, 512));
  return changed;
}

function sign(header: Buffer): void {
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

function entry(path: string, data: Uint8Array, type: string): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write('0000644\0', 100);
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  sign(header);
  return [header, Buffer.from(data), Buffer.alloc((512 - (data.length % 512)) % 512)];
}
