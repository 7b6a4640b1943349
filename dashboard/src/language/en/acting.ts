export const acting = {
  label: 'Acting for',
  placeholder: 'Choose a supplier',
  chooseTitle: 'Choose a supplier',
  chooseText: 'This screen shows what one supplier sends and receives.',
};
