import { Badge, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Inventory, Line, LineResult, Sku } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { ValueChange } from '../files/value-change.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Loading, reasonFor } from '../states/states.tsx';
import { type IdentifierName, IDENTIFIERS } from './pasted.ts';

const SUCCESS = 200;
const MATCHES_SHOWN = 5;
const FIELDS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const satisfies readonly (keyof Inventory)[];

/** The result of one line: each identifier, the SKUs that it finds, and what would change. */
export function LineReport({
  number,
  line,
  result,
}: {
  readonly number: number;
  readonly line: Line;
  readonly result: LineResult;
}) {
  const text = useText();
  const formats = useFormats();
  const isApplied = result.status_code === SUCCESS;
  const given = IDENTIFIERS.flatMap((name) => {
    const value: unknown = line[name];
    return value === undefined || value === null
      ? []
      : [{ name, value: typeof value === 'string' ? value : JSON.stringify(value) }];
  });
  return (
    <Panel
      title={text.tryLine.line(formats.number(number))}
      actions={
        <Badge color="gray" className={isApplied ? 'badge-good' : 'badge-bad'}>
          {isApplied ? text.tryLine.wouldApply : text.tryLine.wouldFail} {result.status_code}
        </Badge>
      }
    >
      <Stack gap={12}>
        <Text size="sm" component="div" className={isApplied ? '' : 'bad'} role="status">
          {isApplied ? <Change before={result.before} after={result.after} /> : result.message}
        </Text>
        {given.length === 0 ? (
          <Text size="sm" c="dimmed">
            {text.tryLine.noIdentifier}
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={440}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={120}>{text.tryLine.identifier}</Table.Th>
                  <Table.Th w={200}>{text.tryLine.value}</Table.Th>
                  <Table.Th>{text.tryLine.finds}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {given.map(({ name, value }) => (
                  <Table.Tr key={name}>
                    <Table.Td className="mono">{name}</Table.Td>
                    <Table.Td className="mono">{value}</Table.Td>
                    <Table.Td>
                      <Matches name={name} value={value} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Stack>
    </Panel>
  );
}

function Change({
  before,
  after,
}: {
  readonly before: Inventory | undefined;
  readonly after: Inventory | undefined;
}) {
  const text = useText();
  if (before === undefined || after === undefined) return null;
  const changed = FIELDS.filter((field) => before[field] !== after[field]);
  if (changed.length === 0) return <>{text.tryLine.changesNothing}</>;
  return (
    <Group gap="4px 18px">
      {changed.map((field) => (
        <ValueChange key={field} field={field} from={before[field]} to={after[field]} />
      ))}
    </Group>
  );
}

/** The SKUs that one identifier finds by itself. */
function Matches({ name, value }: { readonly name: IdentifierName; readonly value: string }) {
  const text = useText();
  const formats = useFormats();
  const { onhand, scope, supplier } = useActing();
  const { data, error, isPending } = useQuery({
    queryKey: ['try-line', scope, name, value],
    queryFn: async ({ signal }) =>
      onhand.skus.page(
        {
          [name]: value,
          limit: MATCHES_SHOWN,
          ...(supplier !== undefined && { supplier_uuids: [supplier] }),
        },
        { signal },
      ),
    staleTime: 0,
  });
  if (isPending) return <Loading />;
  if (error !== null) return <span className="bad">{reasonFor(error)}</span>;
  if (data.skus.length === 0) return <span className="bad">{text.tryLine.findsNone}</span>;
  return (
    <Stack gap={2}>
      {data.skus.map((sku) => (
        <span key={sku.uuid}>
          <Link to="/skus/$uuid" params={{ uuid: sku.uuid }}>
            {sku.sku_id}
          </Link>{' '}
          <span className="muted">
            {text.tryLine.inStock(
              sku.quantity_in_stock === null
                ? text.states.unknown
                : formats.number(sku.quantity_in_stock),
            )}
            {gtinsOf(sku)}
          </span>
        </span>
      ))}
      {data.skus.length > 1 ? <span className="bad">{text.tryLine.findsSeveral}</span> : null}
    </Stack>
  );
}

/** The GTINs of a SKU in the forms in which they are stored. */
function gtinsOf({ product_identifiers: identifiers }: Sku): string {
  return (['upca', 'ean13', 'gtin14', 'isbn'] as const)
    .flatMap((name) => {
      const code = identifiers[name];
      return code === null ? [] : [` · ${name} ${code}`];
    })
    .join('');
}
