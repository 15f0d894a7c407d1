import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { demoCommand } from './demo.js';
import { doctorCommand } from './doctor.js';
import { evalCommand } from './eval.js';
import { filterCommand } from './filter.js';
import { inspectCommand } from './inspect.js';
import { matchCommand } from './match.js';
import { trainCommand } from './train.js';

/** All commands, in the order of the help. Each module loads what it works with when its command runs. */
function commands(): Command[] {
  return [
    demoCommand(),
    trainCommand(),
    evalCommand(),
    filterCommand(),
    matchCommand(),
    inspectCommand(),
    doctorCommand(),
  ];
}

function createProgram(): Command {
  const program = new Command('convforge').description('Convolutional networks in Node.js.').version(version);
  for (const command of [program, ...commands()]) {
    const name = command === program ? 'convforge' : `convforge ${command.name()}`;
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)),
    });
    if (command !== program) program.addCommand(command);
  }
  return program;
}

/**
 * Runs the command line and returns the exit code. An error is one line on stderr: what the user did is at fault, not a
 * place in the code; CONVFORGE_DEBUG=1 adds the stack.
 */
export async function run(args: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Help, version and usage errors: commander has printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const text = process.env.CONVFORGE_DEBUG === '1' ? stack : message.replace(/\s*\n\s*/g, ' ');
    process.stderr.write(`convforge ${args[0]}: ${text}\n`);
    return 1;
  }
}
