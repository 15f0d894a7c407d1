// onnxruntime-node's inference sessions, for the same code as ours (sides/session.mjs).
import ort from 'onnxruntime-node';

export const { InferenceSession, Tensor } = ort;
