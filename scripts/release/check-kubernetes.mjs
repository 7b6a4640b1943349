/**
 * Checks each object of deploy/kubernetes against the schemas of Kubernetes, and that the selectors find the pods.
 * scripts/release/check.sh installs what it imports in a folder of its own, since nothing else needs it.
 */
import assert from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service } from 'kubernetes-models/v1';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

const folder = process.argv[2];
const kinds = { StatefulSet, PodDisruptionBudget, Service, ServiceMonitor };
const files = readdirSync(folder).filter((name) => name !== 'kustomization.yaml');
const objects = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((document) => document.toJS()),
);
for (const object of objects) {
  assert.ok(object.kind in kinds, `${object.kind} has no schema here`);
  new kinds[object.kind](object).validate();
}

const [set] = objects.filter(({ kind }) => kind === 'StatefulSet');
const { labels } = set.spec.template.metadata;
for (const { kind, metadata, spec } of objects) {
  const wanted = spec.selector?.matchLabels ?? spec.selector;
  assert.deepEqual(wanted, labels, `the selector of ${kind} ${metadata.name} finds no pod`);
}
const ports = set.spec.template.spec.containers[0].ports.map(({ name }) => name);
const services = objects.filter(({ kind }) => kind === 'Service');
for (const { spec } of services)
  for (const { targetPort } of spec.ports) assert.ok(ports.includes(targetPort));
assert.ok(services.some(({ metadata }) => metadata.name === set.spec.serviceName));

const { resources } = parseAllDocuments(
  readFileSync(join(folder, 'kustomization.yaml'), 'utf8'),
)[0].toJS();
assert.deepEqual([...resources].sort(), files.sort(), 'kustomization.yaml names every file');
console.log(`check: ${objects.length} Kubernetes objects fit their schemas`);
