export const overview = {
  freshness: 'Suppliers',
  noSuppliers: 'You are not connected to any supplier yet.',
  supplier: 'Supplier',
  state: 'State',
  lastHeard: 'Last reported',
  skus: 'SKUs',
  never: 'never',
  silent: 'Silent',
  late: 'Late',
  onTime: 'On time',
};
