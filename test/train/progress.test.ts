import { describe, expect, it } from 'vitest';
import { CloudLoader, clouds, Lines, loader, training } from './parts.js';

const validation = new CloudLoader(12, 5, 2);

describe('progress', () => {
  it('is lines where there is no terminal', async () => {
    const lines = new Lines();
    await training().trainer.fit(loader(), { epochs: 2, validation, logEvery: 2, progress: lines });
    const value = '(\\d+\\.\\d{4}|\\d\\.\\d\\de-\\d+)';
    const number = '[\\d.]+';
    expect(lines.text.split('\n')).toEqual([
      expect.stringMatching(/^training step: (compiled|op by op.*)$/),
      expect.stringMatching(
        `^epoch 1/2, batch 2/3: loss ${value}  accuracy ${value}  ${number} images/s  ${number} s left$`,
      ),
      expect.stringMatching(
        `^epoch 1/2: loss ${value}  accuracy ${value}  validation loss ${value}  accuracy ${value}  lr 0\\.1  ${number} images/s  ${number} s$`,
      ),
      expect.stringMatching('^epoch 2/2, batch 1/3: '),
      expect.stringMatching('^epoch 2/2, batch 3/3: '),
      expect.stringMatching('^epoch 2/2: '),
      '',
    ]);
  });

  it('is a bar on a terminal', async () => {
    const terminal = Object.assign(new Lines(), { isTTY: true, columns: 120 });
    const listeners = process.listenerCount('SIGINT');
    await training().trainer.fit(loader(), { epochs: 1, progress: terminal });
    expect(terminal.text).toContain('epoch 1/1 |');
    expect(terminal.text).toContain('epoch 1/1: loss');
    const unknown = Object.assign(new Lines(), { isTTY: true, columns: 120 });
    const { images, labels } = clouds(4);
    await training().trainer.fit(new Set([[images, labels]]), { epochs: 1, progress: unknown });
    expect(unknown.text).toContain('epoch 1/1  batch');
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });
});
