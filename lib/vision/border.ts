/** What an image is continued with beyond its edge. */
export const BORDERS = ['zero', 'constant', 'reflect', 'replicate', 'circular'] as const;
export type Border = (typeof BORDERS)[number];
