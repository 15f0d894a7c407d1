type Arrays = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array;

/** A typed array that grows by doubling: an array of bigints would take several times the memory. */
export class NumberList<A extends Arrays> {
  #values: A;
  #length = 0;
  readonly #Array: new (
    length: number,
  ) => A;

  constructor(ArrayOf: new (length: number) => A) {
    this.#Array = ArrayOf;
    this.#values = new ArrayOf(0);
  }

  push(value: A[number]): void {
    if (this.#length === this.#values.length) {
      const larger = new this.#Array(Math.max(4, 2 * this.#length));
      larger.set(this.#values as never);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  values(): A {
    return this.#values.slice(0, this.#length) as A;
  }
}
