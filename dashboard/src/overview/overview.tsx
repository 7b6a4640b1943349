import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { OperatorOverview } from './operator-overview.tsx';
import { SupplierOverview } from './supplier-overview.tsx';
import { SuppliersOverview } from './suppliers-overview.tsx';

const OVERVIEWS = {
  supplier: SupplierOverview,
  retailer: SuppliersOverview,
  operator: OperatorOverview,
} as const;

/** What needs attention today. */
export function Overview() {
  const text = useText();
  const { organization } = useSession();
  const OfType = OVERVIEWS[organization.type];
  return (
    <Screen title={text.frame.screens.overview} subtitle={organization.name}>
      <OfType />
    </Screen>
  );
}
