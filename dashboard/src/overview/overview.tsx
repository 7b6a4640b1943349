import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { SupplierOverview } from './supplier-overview.tsx';
import { SuppliersOverview } from './suppliers-overview.tsx';

/** What needs attention today. */
export function Overview() {
  const text = useText();
  const { organization } = useSession();
  return (
    <Screen title={text.frame.screens.overview} subtitle={organization.name}>
      {organization.type === 'supplier' ? <SupplierOverview /> : <SuppliersOverview />}
    </Screen>
  );
}
