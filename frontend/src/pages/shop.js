// How many of a reward: two buttons, a number, and what they come to.

export default (Alpine) => {
  Alpine.data("quantity", () => ({
    number: 1,
    points: "",
    left: "",
    cash: "",
    init() {
      this.set(Number(this.$refs.input.value) || 1);
    },
    less() {
      this.set(this.number - 1);
    },
    more() {
      this.set(this.number + 1);
    },
    typed() {
      this.set(Number(this.$refs.input.value) || 1);
    },
    set(number) {
      const { most, points, balance, cash } = this.$root.dataset;
      this.number = Math.max(1, Math.min(Number(most), Math.trunc(number)));
      this.$refs.input.value = this.number;
      const count = new Intl.NumberFormat(document.documentElement.lang);
      const money = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 2 });
      this.points = count.format(this.number * Number(points));
      this.left = count.format(Number(balance) - this.number * Number(points));
      this.cash = `¥${money.format((this.number * Number(cash)) / 100)}`;
    },
  }));
};
