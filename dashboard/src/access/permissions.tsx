import { Badge, Checkbox, Group, Stack } from '@mantine/core';
import type { Session } from '../../../client/src/index.ts';
import { useSession } from '../api/session.ts';
import { useText } from '../language/language.tsx';
import type { Whose } from './queries.ts';

type Permission = Session['permissions'][number];

function namesOf(names: Readonly<Record<string, string>>, permission: string): string {
  return names[permission] ?? permission;
}

/** What a token or a user may do. */
export function Permissions({ permissions }: { readonly permissions: readonly string[] }) {
  const text = useText();
  return (
    <Group gap={4}>
      {permissions.map((permission) => (
        <Badge key={permission} color="gray" className="badge-neutral">
          {namesOf(text.access.permissions, permission)}
        </Badge>
      ))}
    </Group>
  );
}

/** What the reader can give to someone: what it may do itself; only operators manage organizations. */
export function usePermissionsFor(organization: Whose): readonly Permission[] {
  const { permissions } = useSession();
  if (organization === undefined) return permissions;
  return permissions.filter(
    (permission) => permission !== 'manage_organizations' && permission !== 'view_audit_log',
  );
}

/** Chooses some of the permissions that the reader has. */
export function PermissionChoice({
  organization,
  value,
  onChange,
}: {
  /** Another organization, for operators. */
  readonly organization: Whose;
  readonly value: readonly Permission[];
  readonly onChange: (chosen: readonly Permission[]) => void;
}) {
  const text = useText();
  const permissions = usePermissionsFor(organization);
  return (
    <Checkbox.Group
      label={text.access.may}
      value={[...value]}
      onChange={(chosen) => onChange(permissions.filter((each) => chosen.includes(each)))}
    >
      <Stack gap={8} mt={8}>
        {permissions.map((permission) => (
          <Checkbox
            key={permission}
            size="xs"
            value={permission}
            label={namesOf(text.access.permissions, permission)}
          />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}
