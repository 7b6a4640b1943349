import { describe, expect, test } from 'vitest';
import { parsePermissions } from '../../src/accounts/validation.ts';

describe('permissions', () => {
  test('default to all that the type of organization allows', () => {
    expect(parsePermissions('supplier', [])).toEqual([
      'view_items',
      'edit_items',
      'manage_webhooks',
    ]);
    expect(parsePermissions('retailer', [])).toEqual(['view_items', 'manage_webhooks']);
  });

  test('are the requested ones without duplicates', () => {
    expect(parsePermissions('supplier', ['edit_items'])).toEqual(['edit_items']);
    expect(parsePermissions('supplier', ['edit_items', 'view_items', 'edit_items'])).toEqual([
      'view_items',
      'edit_items',
    ]);
  });

  test('that the type does not allow are rejected, even among allowed ones', () => {
    expect(() => parsePermissions('retailer', ['view_items', 'edit_items'])).toThrow(
      'The permission edit_items is not allowed for a retailer; allowed are view_items, manage_webhooks.',
    );
  });

  test('that do not exist are rejected, and the error lists the existing ones', () => {
    expect(() => parsePermissions('supplier', ['constructor'])).toThrow(
      'There is no permission "constructor"; the permissions are view_items, edit_items, manage_webhooks.',
    );
  });
});
