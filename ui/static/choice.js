// A labelled choice from a few: the browser's own select, which phones and screen readers know.
export default {
  template: `
    <label class="c-choice"><span :class="{'c-unseen': quiet}">{{ label }}</span>
      <select :value="chosen" :disabled="disabled" @change="$emit('choose', $event.target.value)">
        <option v-for="o in options" :key="o.value" :value="o.value">{{ o.text }}</option>
      </select></label>`,
  props: { label: String, options: Array, chosen: String, quiet: Boolean, disabled: Boolean },
  emits: ["choose"],
};
