import type { Messages } from '../messages.ts';

export const acting: Messages['acting'] = {
  label: 'Handeln für',
  placeholder: 'Lieferant wählen',
  chooseTitle: 'Wählen Sie einen Lieferanten',
  chooseText: 'Diese Ansicht zeigt, was ein Lieferant sendet und erhält.',
};
