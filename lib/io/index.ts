export { decodeSafetensors, encodeSafetensors, loadSafetensors, type SafetensorsFile, saveSafetensors } from './safetensors.js';
