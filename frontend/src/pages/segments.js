// One condition of a segment: the second bound shows with "between", days and dates with their kind of time.
export default (Alpine) => {
  Alpine.data("condition", () => ({
    op: "",
    time: "",
    init() {
      this.op = this.$root.dataset.op;
      this.time = this.$root.dataset.time;
    },
    get isBetween() {
      return this.op === "between";
    },
    get isDays() {
      return this.time === "days";
    },
    get isDates() {
      return this.time === "dates";
    },
  }));
};
