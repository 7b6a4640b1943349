import { expect, test } from 'vitest';
import { ARROWS } from './arrows.ts';
import { filesMatching, ownImports } from './sources.ts';

const sources = filesMatching(/^(src|client\/src|dashboard\/src)\/.*\.tsx?$/);

function roomOf(path: string): string {
  const [top = ''] = path.split('/');
  if (top === 'client' || top === 'dashboard') return top;
  const [, first = '', second = '', third] = path.split('/');
  return first === 'store' && third !== undefined ? `store/${second}` : first;
}

test('every source file belongs to a room', () => {
  const homeless = sources.filter(({ path }) => ARROWS[roomOf(path)] === undefined);
  expect(homeless.map(({ path }) => path)).toEqual([]);
});

test('rooms import only what the arrows allow', () => {
  const wrong = sources.flatMap((source) =>
    ownImports(source)
      .filter((target) => {
        const [from, to] = [roomOf(source.path), roomOf(target)];
        return from !== to && !ARROWS[from]?.includes(to);
      })
      .map((target) => `${source.path} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('every arrow is used', () => {
  const used = new Set(
    sources.flatMap((source) =>
      ownImports(source).map((target) => `${roomOf(source.path)} → ${roomOf(target)}`),
    ),
  );
  const allowed = Object.entries(ARROWS).flatMap(([from, tos]) =>
    tos.map((to) => `${from} → ${to}`),
  );
  expect(allowed.filter((arrow) => !used.has(arrow))).toEqual([]);
});

test('no imports form a cycle', () => {
  const imports = new Map(sources.map((source) => [source.path, ownImports(source)]));
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    expect(above, `a cycle: ${[...above, path].join(' → ')}`).not.toContain(path);
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...above, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
});
