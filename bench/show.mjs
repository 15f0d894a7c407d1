// `npm run bench -- machine`: the peaks that everything else is measured against.
import { describeMachine, openMachine } from './machine.mjs';
import { bandwidths } from './memory/traffic.mjs';
import { printMachine } from './print.mjs';
import { measure } from './sampler.mjs';

/** Measures bandwidths, prints all that is known of the machine, returns it. */
export async function showMachine(machine) {
  const description = describeMachine(machine.addon);
  const memory = await bandwidths(machine, measure);
  printMachine(description, machine, memory);
  const { isa, threads, peak, peakOfOne, peakOfAll } = machine;
  return { ...description, isa, threads, peak, peakOfOne, peakOfAll, memory };
}

export const benchMachine = ({ isa, threads }) => showMachine(openMachine({ isa, threads }));
