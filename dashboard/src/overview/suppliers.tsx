import { useQuery } from '@tanstack/react-query';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Failed, LoadingRows, Nothing } from '../states/states.tsx';
import { freshnessQuery } from './freshness.ts';
import { FreshnessTable } from './freshness-table.tsx';

/** When each supplier last reported. */
export function Suppliers() {
  const text = useText();
  const { data: suppliers, error, refetch } = useQuery(freshnessQuery);
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  return (
    <Panel title={text.overview.freshness} isFlush>
      {suppliers === undefined ? (
        <div className="panel-body">
          <LoadingRows />
        </div>
      ) : suppliers.length === 0 ? (
        <Nothing title={text.overview.noSuppliers} />
      ) : (
        <FreshnessTable suppliers={suppliers} />
      )}
    </Panel>
  );
}
