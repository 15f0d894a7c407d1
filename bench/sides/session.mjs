// Our inference sessions; what another package has instead is in contenders/session.mjs, and nothing else differs.
export { InferenceSession, Tensor } from 'convforge';
