export interface Spill {
  name: string;
  lines: string[];
}
export interface SpillReport {
  microkernels: number;
  spills: Spill[];
}
export declare function findSpills(disassembly: string): SpillReport;
export declare const defaultObject: string;
export declare function checkObject(object: string): SpillReport;
