/** A feature map [n, c, size]; `mean` moves it away from zero, where a careless variance cancels. */
export interface ChannelCase {
  why: string;
  n: number;
  c: number;
  size: number;
  mean?: number;
}

export const CHANNEL_CASES: readonly ChannelCase[] = [
  { why: 'two values a channel, the fewest that training takes', n: 2, c: 1, size: 1 },
  { why: 'one pixel a plane, as after a fully connected layer', n: 33, c: 21, size: 1 },
  { why: 'planes of odd size', n: 3, c: 17, size: 49 },
  { why: 'one image', n: 1, c: 5, size: 130 },
  { why: 'one channel', n: 7, c: 1, size: 1023 },
  { why: 'powers of two', n: 8, c: 64, size: 64 },
  { why: 'large planes that threads share', n: 2, c: 8, size: 9216 },
  { why: 'many channels that threads share', n: 4, c: 96, size: 196 },
  { why: 'a mean a thousand times the deviation', n: 4, c: 3, size: 300, mean: 1000 },
  { why: 'no images', n: 0, c: 4, size: 9 },
  { why: 'no channels', n: 4, c: 0, size: 9 },
];
