import { describe, expect, test } from 'vitest';
import { parsePermissions } from '../../src/accounts/permissions.ts';

describe('permissions', () => {
  test('are all that the type allows where none are asked for', () => {
    expect(parsePermissions('supplier', [])).toEqual([
      'view_items',
      'edit_items',
      'manage_webhooks',
    ]);
    expect(parsePermissions('retailer', [])).toEqual(['view_items', 'manage_webhooks']);
  });

  test('are those asked for, each once', () => {
    expect(parsePermissions('supplier', ['edit_items'])).toEqual(['edit_items']);
    expect(parsePermissions('supplier', ['edit_items', 'view_items', 'edit_items'])).toEqual([
      'view_items',
      'edit_items',
    ]);
  });

  test('that are not for the type are refused, also beside others', () => {
    expect(() => parsePermissions('retailer', ['view_items', 'edit_items'])).toThrow(
      'The permission edit_items is not allowed for a retailer; allowed are view_items, manage_webhooks.',
    );
  });

  test('that do not exist are refused, with those that do', () => {
    expect(() => parsePermissions('supplier', ['constructor'])).toThrow(
      'There is no permission "constructor"; the permissions are view_items, edit_items, manage_webhooks.',
    );
  });
});
