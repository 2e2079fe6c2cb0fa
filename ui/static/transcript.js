// A transcript: messages with their goods and how each answer came about. Every word is shown as it is, never as markup.
export default {
  template: `
    <div class="c-talk" ref="box" tabindex="0" role="log" :aria-label="words.transcript">
      <button v-if="earlier" type="button" class="c-btn c-btn-quiet c-talk-earlier" @click="$emit('earlier')">{{ words.earlier }}</button>
      <template v-for="t in turns" :key="t.id">
        <p v-if="t.day" class="c-talk-day"><span>{{ t.day }}</span></p>
        <p v-if="t.side === 'system'" class="c-talk-system">{{ t.text }}<small>{{ t.when }}</small></p>
        <article v-else class="c-say" :class="'c-say-' + t.side">
          <header><b>{{ t.who }}</b><time>{{ t.when }}</time></header>
          <div v-if="t.cards.length" class="c-goods">
            <div v-for="c in t.cards" class="c-goods-one"><img v-if="c.photo" :src="c.photo" alt="" loading="lazy">
              <span><b>{{ c.name }}</b><small>{{ c.sku }} · {{ c.price }} · {{ c.stock }}</small></span></div>
          </div>
          <p v-if="t.text" class="c-said">{{ t.text }}</p>
          <dl v-if="t.values.length" class="c-facts c-form-sent"><div v-for="v in t.values"><dt>{{ v[0] }}</dt><dd>{{ v[1] }}</dd></div></dl>
          <p v-if="t.options.length" class="c-offered"><span v-for="o in t.options">{{ o }}</span></p>
          <footer v-if="t.answer">
            <span v-if="t.rating" class="c-chip" :class="t.rating > 0 ? 'c-ok' : 'c-bad'">{{ t.rating > 0 ? words.liked : words.disliked }}</span>
            <span v-if="t.mark" class="c-chip c-bad" :title="t.comment">{{ t.mark }}</span>
            <details class="c-why"><summary>{{ t.answer.line }}</summary>
              <dl class="c-facts"><div v-for="f in t.answer.facts"><dt>{{ f[0] }}</dt><dd>{{ f[1] }}</dd></div></dl></details>
            <a v-if="t.answer.teach" class="c-mini" :href="t.answer.teach" :aria-label="words.teach" :title="words.teach"><i class="material-icons c-icon" aria-hidden="true">alt_route</i></a>
            <button type="button" class="c-mini" :aria-label="t.mark ? words.unmark : words.mark" :title="t.mark ? words.unmark : words.mark"
                    @click="$emit(t.mark ? 'unmark' : 'mark', t.id)"><i class="material-icons c-icon" aria-hidden="true">{{ t.mark ? 'undo' : 'thumb_down' }}</i></button>
          </footer>
        </article>
      </template>
    </div>`,
  props: { turns: Array, words: Object, earlier: Boolean, place: String },
  emits: ["earlier", "mark", "unmark"],
  data: () => ({ low: true, tall: 0 }),
  beforeUpdate() {
    const box = this.$refs.box;
    this.low = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    this.tall = box.scrollHeight - box.scrollTop;
  },
  updated() {
    const box = this.$refs.box;
    if (this.shown !== this.place || this.low) box.scrollTop = box.scrollHeight;
    else if (this.first !== this.turns[0]?.id) box.scrollTop = box.scrollHeight - this.tall;
    this.shown = this.place;
    this.first = this.turns[0]?.id;
  },
  mounted() {
    this.$refs.box.scrollTop = this.$refs.box.scrollHeight;
    this.shown = this.place;
    this.first = this.turns[0]?.id;
  },
};
