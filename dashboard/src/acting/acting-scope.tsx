import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useSession } from '../api/session.ts';
import { suppliersQuery } from '../api/suppliers.ts';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Failed, Loading } from '../states/states.tsx';
import { ActingContext, actingFor } from './acting.tsx';
import { actingSearchOf } from './search.ts';
import classes from './acting.module.css';

/** The screens of one supplier. An operator chooses whose they are; everybody else has only their own. */
export function ActingScope() {
  const { organization } = useSession();
  return organization.type === 'operator' ? <OperatorScope /> : <OwnScope />;
}

function OwnScope() {
  const acting = useMemo(() => actingFor(undefined), []);
  return (
    <ActingContext value={acting}>
      <Outlet />
    </ActingContext>
  );
}

function OperatorScope() {
  const text = useText();
  const navigate = useNavigate();
  const { supplier } = actingSearchOf(useSearch({ strict: false }));
  const acting = useMemo(() => actingFor(supplier), [supplier]);
  const { data: suppliers, error, refetch } = useQuery(suppliersQuery);
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (suppliers === undefined) return <Loading />;
  return (
    <>
      <div className={classes['bar']}>
        <Select
          label={text.acting.label}
          placeholder={text.acting.placeholder}
          searchable
          data={suppliers.map(({ uuid, name }) => ({ value: uuid, label: name }))}
          value={supplier ?? null}
          onChange={(chosen) => {
            if (chosen !== null) void navigate({ to: '.', search: { supplier: chosen } });
          }}
        />
      </div>
      {supplier === undefined ? (
        <Screen title={text.acting.chooseTitle} subtitle={text.acting.chooseText}>
          {null}
        </Screen>
      ) : (
        <ActingContext key={supplier} value={acting}>
          <Outlet />
        </ActingContext>
      )}
    </>
  );
}
