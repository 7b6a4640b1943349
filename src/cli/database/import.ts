import { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { databaseOption, supplierOption } from '../options.ts';
import { cellOptions } from '../push/reading-options.ts';
import type { ImportOptions } from './import-run.ts';

export function importCommand(context: CommandContext): Command {
  const command = new Command('import')
    .description(
      'Imports a catalogue from a CSV file or an Excel workbook (.xlsx) with a header row. Creates SKUs that do not ' +
        'exist and updates the others; a missing column or empty cell changes nothing. ' +
        'The whole file is read before anything is applied. Repeating the import changes nothing.\n\n' +
        'Columns: sku_id (required), item_id, title, condition, restrictions, quantity_in_stock, ' +
        'quantity_on_backorder, backorder_date, number_of_units_bundled, upca, ean13, gtin14, isbn, ' +
        'asin, mpn. Other columns are ignored. A cell that contains NULL sets the field to null.',
    )
    .argument('<file>', 'the CSV file or Excel workbook')
    .addOption(supplierOption())
    .option(
      '--map <header=column,...>',
      'read a column with another header; "gtin" detects the kind of each code; one header can be read as two columns',
      (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
    )
    .option('--report <file>', 'write every rejected or doubtful row to this CSV file')
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand import foods.csv --supplier "Acme Foods" --map barcode=gtin,code=sku_id --report complaints.csv\n' +
        '\nExits 0 if the whole file was read and applied, otherwise 1.',
    )
    .action(async (path: string, options: ImportOptions) => {
      const { runImport } = await import('./import-run.ts');
      await runImport(context, path, options);
    });
  for (const option of cellOptions()) command.addOption(option);
  return command;
}
