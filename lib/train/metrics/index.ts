export { accuracy, topKAccuracy } from './accuracy.js';
export { ConfusionMatrix, confusionMatrix, f1Score, precision, recall } from './confusion.js';
export type { Metric, MetricAccumulator } from './metric.js';
export { ClassificationReport, type ClassScores, classificationReport, type ReportOptions } from './report.js';
