import type { Module } from '../nn/module.js';
import { concat } from '../ops/concat.js';
import type { Classification } from '../train/evaluate.js';
import { confusionMatrixPicture } from '../vision/confusion.js';
import { explanationPicture, featureMapsPicture, kernelsPicture } from '../vision/explain/index.js';
import { imagePanel } from '../vision/panel.js';
import type { Answer, Mistakes } from './mistakes.js';
import { type SavedPicture, savePictures } from './savedpictures.js';

/** What the pictures are drawn from. */
export interface EvaluationDrawing {
  readonly model: Module;
  readonly classes: readonly string[];
  readonly classification: Classification;
  readonly mistakes: Mistakes;
  readonly folder: string;
}

/** Images of which it is shown what speaks for their class. */
const EXPLAINED = 10;
/** More classes than this make cells of a matrix too small to read. */
const MOST_CLASSES = 50;

/** Draws everything into the folder, and says what is where. */
export function drawEvaluation(drawing: EvaluationDrawing): Promise<SavedPicture[]> {
  const { model, classes, classification, mistakes, folder } = drawing;
  const { right, worst } = mistakes;
  return savePictures('eval', folder, [
    [
      'confusion.png',
      'which classes are taken for which',
      classes.length <= MOST_CLASSES
        ? () => confusionMatrixPicture(classification.confusionMatrix, [...classes])
        : null,
    ],
    ['mistakes.png', 'the worst mistakes', worst.length ? () => mistakesPicture(drawing) : null],
    ['kernels.png', 'the kernels of the first convolution', () => kernelsPicture(model)],
    ['features.png', 'an image layer by layer', () => featureMapsPicture(model, (right[0] ?? worst[0]).image)],
    [
      'right.png',
      'what speaks for right answers: pixels that matter, Grad-CAM',
      right.length ? () => explained(drawing, right, 'What speaks for right answers') : null,
    ],
    [
      'wrong.png',
      'what speaks for the worst mistakes: pixels that matter, Grad-CAM',
      worst.length ? () => explained(drawing, worst, 'What speaks for the worst mistakes') : null,
    ],
  ]);
}

function mistakesPicture({ mistakes, classes }: EvaluationDrawing): Promise<string> {
  const { worst, count } = mistakes;
  return imagePanel({
    title:
      count > worst.length
        ? `The worst ${worst.length} of ${count} mistakes`
        : `All ${count} mistakes, the worst first`,
    rows: [
      {
        title: '',
        images: worst.map(({ image }) => image.squeeze(0)),
        captions: worst.map(
          ({ label, answer, probability }) =>
            `${classes[label]} taken for ${classes[answer]}, ${(100 * probability).toFixed(0)} %`,
        ),
      },
    ],
    imageHeight: 112,
  });
}

function explained({ model, classes }: EvaluationDrawing, answers: readonly Answer[], title: string): Promise<string> {
  const shown = answers.slice(0, EXPLAINED);
  return explanationPicture(model, concat(shown.map(({ image }) => image)), {
    title,
    target: shown.map(({ answer }) => answer),
    captions: shown.map(({ label, answer }) =>
      label === answer ? classes[label] : `${classes[label]} taken for ${classes[answer]}`,
    ),
    imageHeight: 80,
  });
}
