import { ArgumentError, ShapeError } from '../../../lib/errors.js';
import { zeros } from '../../../lib/index.js';
import * as models from '../../../lib/models/index.js';
import type { Rejections } from './rejection.js';

const wrong = (value: unknown) => value as never;

// biome-ignore format: one rejection a line
export const MODEL_REJECTIONS: Rejections = {
  'models/resnet.ts': [
    [() => models.resnet18({ widthPerGroup: 128 }), ArgumentError, 'ResNet: groups and widthPerGroup are for bottlenecks, got 1 and 128'],
    [() => models.resnet18({ numClasses: 0 }), ArgumentError, 'Linear: outFeatures must be an integer of at least 1, got 0'],
  ],
  'models/mobilenetv2.ts': [
    [() => models.mobilenetV2({ widthMult: 0 }), ArgumentError, 'MobileNetV2: widthMult must be above 0, got 0'],
    [() => models.mobilenetV2({ dropout: 1.5 }), ArgumentError, 'Dropout: p must be in [0, 1], got 1.5'],
  ],
  'models/squeezenet.ts': [
    [() => models.squeezenet({ version: wrong(1.1) }), ArgumentError, `SqueezeNet: version must be '1.0' or '1.1', got 1.1`],
  ],
  'models/unet.ts': [
    [() => models.unet({ depth: 0 }), ArgumentError, 'UNet: depth must be an integer of at least 1, got 0'],
    [() => models.unet({ upsampling: wrong('nearest') }), ArgumentError, `UNet: upsampling must be 'transposed' or 'bilinear', got "nearest"`],
    [() => models.unet({ baseChannels: 2, depth: 3 }).forward(zeros([1, 3, 7, 16])), ShapeError, 'UNet: x must be [n, channels, height, width] of at least 8 pixels each way, got [1, 3, 7, 16]'],
  ],
};
