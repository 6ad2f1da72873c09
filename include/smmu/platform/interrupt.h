// Wires from a device to an interrupt controller.
#ifndef SMMU_PLATFORM_INTERRUPT_H_
#define SMMU_PLATFORM_INTERRUPT_H_

namespace smmu {

// Called on the thread whose access caused the interrupt, with no lock of the
// device held: the callee may access the device.
class InterruptLine {
 public:
  virtual ~InterruptLine() = default;

  // One edge: an occurrence the controller latches.
  virtual void pulse() = 0;
};

// The same for an interrupt that lasts as long as its cause.
class LevelLine {
 public:
  virtual ~LevelLine() = default;

  // The line goes up, or down again.  Never called with what it is already; at
  // first it is down.
  virtual void set(bool up) = 0;
};

}  // namespace smmu

#endif  // SMMU_PLATFORM_INTERRUPT_H_
