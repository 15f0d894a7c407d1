import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ConvforgeError, Generator, rand, tensor, zeros } from '../lib/index.js';
import { encodeImage, readImage, writeImage } from '../lib/io/image.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-image-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
const photograph = fileURLToPath(new URL('../assets/images/china.jpg', import.meta.url));

/** An error of exactly this message. */
const saying = (message: string) => expect.objectContaining({ message });

describe('readImage', () => {
  it('gives channels, rows and columns in 0..1', async () => {
    const photo = await readImage(photograph);
    expect(photo.shape).toEqual([3, 427, 640]);
    const gray = await readImage(readFileSync(photograph), { mode: 'gray' });
    expect(gray.shape).toEqual([1, 427, 640]);
    const png = await sharp(Buffer.from([255, 0, 0, 0, 51, 102]), { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    const pixels = await readImage(png);
    expect(pixels.toArray()).toEqual(tensor([[[1, 0]], [[0, 51 / 255]], [[0, 102 / 255]]]).toArray());
  });

  it('lays transparency on white and reads 16 bits, grey and palettes alike', async () => {
    const clear = await sharp(Buffer.from([0, 0, 0, 0]), { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect((await readImage(clear)).toArray()).toEqual([[[1]], [[1]], [[1]]]);
    const source = sharp(Buffer.from([10, 200]), { raw: { width: 2, height: 1, channels: 1 } });
    const deep = await source.clone().toColourspace('grey16').png().toBuffer();
    const plain = await source.clone().png().toBuffer();
    for (const bytes of [deep, plain]) {
      const levels = tensor([[10 / 255, 200 / 255]]).toArray();
      expect((await readImage(bytes)).toArray()).toEqual([levels, levels, levels]);
      expect((await readImage(bytes, { mode: 'gray' })).toArray()).toEqual([levels]);
    }
  });

  it('applies the orientation the camera noted', async () => {
    const upright = sharp({ create: { width: 6, height: 2, channels: 3, background: '#808080' } });
    const turned = await upright.jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect((await readImage(turned)).shape).toEqual([3, 6, 2]);
  });

  it('says which file is at fault and why', async () => {
    const missing = inFolder('missing.png');
    await expect(readImage(missing)).rejects.toThrow(
      saying(`readImage: ${missing} cannot be read: there is no such file or folder`),
    );
    await expect(readImage(missing)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    await expect(readImage(folder)).rejects.toThrow(saying(`readImage: ${folder} cannot be read: it is a folder`));
    const text = inFolder('text.png');
    writeFileSync(text, 'not an image');
    await expect(readImage(text)).rejects.toThrow(
      saying(`readImage: ${text} cannot be decoded: Input buffer contains unsupported image format`),
    );
    const cut = readImage(readFileSync(photograph).subarray(0, 5000));
    await expect(cut).rejects.toThrow(/^readImage: the image of 5000 bytes cannot be decoded: /);
    await expect(cut).rejects.toBeInstanceOf(ConvforgeError);
    await expect(readImage(photograph, { mode: 'hsv' as never })).rejects.toThrow(
      saying('readImage: mode must be rgb or gray, got "hsv"'),
    );
    await expect(readImage(null as never)).rejects.toThrow(
      saying('readImage: source must be a path or the bytes of an image file, got null'),
    );
    await expect(readImage(new Uint8Array())).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
  });

  it('tells how to get sharp where it cannot be loaded', async () => {
    vi.resetModules();
    vi.doMock('sharp', () => {
      throw new Error('Could not load the "sharp" module.\nMore lines');
    });
    const fresh = await import('../lib/io/image.js');
    const failure = await fresh.readImage(photograph).catch((error: Error) => error);
    vi.doUnmock('sharp');
    vi.resetModules();
    expect(failure).toMatchObject({ name: 'NativeError', code: 'ERR_NATIVE' });
    expect((failure as Error).message).toMatch(
      /^images are read and written by the package sharp, which cannot be loaded: .*\. Install it for this platform with 'npm install sharp'\.$/,
    );
  });
});

describe('writeImage and encodeImage', () => {
  it('write what readImage reads', async () => {
    const image = rand([3, 5, 7], { generator: new Generator(1) });
    for (const extension of ['png', 'PNG', 'jpg', 'jpeg', 'webp']) {
      const path = inFolder(`picture.${extension}`);
      await writeImage(image, path);
      expect((await readImage(path)).shape).toEqual([3, 5, 7]);
    }
    const back = await readImage(await encodeImage(image, 'png'));
    const worst = back.sub(image).abs().max().item();
    expect(worst).toBeLessThanOrEqual(0.5001 / 255);
    expect((await sharp(await encodeImage(zeros([4, 6]), 'webp')).metadata()).width).toBe(6);
  });

  it('clip, round, and show NaN as black', async () => {
    const png = await encodeImage(tensor([[-1, 0.5, 2, Number.NaN]]), 'png');
    expect((await sharp(png).greyscale().raw().toBuffer()).toJSON().data).toEqual([0, 128, 255, 0]);
  });

  it('say what is wrong', async () => {
    const image = zeros([3, 2, 2]);
    await expect(writeImage(image, 'picture.bmp')).rejects.toThrow(
      saying('writeImage: the name of an image must end in .png, .jpg, .jpeg or .webp, got "picture.bmp"'),
    );
    await expect(encodeImage(image, 'gif' as never)).rejects.toThrow(
      saying('encodeImage: format must be one of png, jpg, webp, got "gif"'),
    );
    await expect(encodeImage(zeros([2, 2, 2]), 'png')).rejects.toThrow(
      saying('encodeImage: an image is [3, h, w], [1, h, w] or [h, w], got [2, 2, 2]'),
    );
    await expect(encodeImage(image.to('uint8'), 'png')).rejects.toThrow(
      saying("encodeImage: expects float32 or float64, got uint8; convert with .to('float32')"),
    );
    const nowhere = inFolder('no/such/folder.png');
    await expect(writeImage(image, nowhere)).rejects.toThrow(
      saying(`writeImage: ${nowhere} cannot be written: there is no such file or folder`),
    );
  });
});
