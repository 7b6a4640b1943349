import { useSession } from '../api/session.ts';
import { Panel, Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { FreshnessTable } from './freshness-table.tsx';

/** What needs attention today. */
export function Overview() {
  const text = useText();
  const { organization } = useSession();
  return (
    <Screen title={text.frame.screens.overview} subtitle={organization.name}>
      <Panel title={text.overview.freshness} isFlush>
        <FreshnessTable />
      </Panel>
    </Screen>
  );
}
