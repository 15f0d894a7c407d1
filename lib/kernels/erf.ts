/**
 * The error function in double precision, after W. J. Cody, "Rational Chebyshev approximations for the error function",
 * Mathematics of Computation 23 (1969): one rational function for each of |x| ≤ 0.46875, |x| ≤ 4 and |x| > 4.
 * Coefficients from the highest power down.
 */
const SMALL_P = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694];
const SMALL_Q = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const MIDDLE_P = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const MIDDLE_Q = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
const LARGE_P = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
];
const LARGE_Q = [
  1, 2.568520192289822, 1.8729528499234604, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
];

function polynomial(coefficients: number[], x: number): number {
  let value = 0;
  for (let i = 0; i < coefficients.length; i++) value = value * x + coefficients[i];
  return value;
}

/** erf(x) = 2/√π · ∫₀ˣ e^(−t²) dt */
export function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude <= 0.46875) return (x * polynomial(SMALL_P, x * x)) / polynomial(SMALL_Q, x * x);
  return x < 0 ? positiveErfc(magnitude) - 1 : 1 - positiveErfc(magnitude);
}

/** erfc(x) = 1 − erf(x), without the cancellation for large x */
export function erfc(x: number): number {
  if (Math.abs(x) <= 0.46875) return 1 - erf(x);
  return x < 0 ? 2 - positiveErfc(-x) : positiveErfc(x);
}

/** erfc(x) for x > 0.46875. */
function positiveErfc(x: number): number {
  if (x > 27) return 0; // below the smallest double
  // e^(−x²) as e^(−head²)·e^(−(x−head)(x+head)): head has 24 bits, so head² is exact. Rounding x² instead would cost a
  // relative error of x² ulp.
  const head = Math.fround(x);
  const gaussian = Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
  if (x <= 4) return (gaussian * polynomial(MIDDLE_P, x)) / polynomial(MIDDLE_Q, x);
  const inverse = 1 / (x * x);
  const correction = (inverse * polynomial(LARGE_P, inverse)) / polynomial(LARGE_Q, inverse);
  return (gaussian / x) * (1 / Math.sqrt(Math.PI) - correction);
}
