/** What a side throws for a layer or a pass it does not have. */
export class Unsupported extends Error {}
