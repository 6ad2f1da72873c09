// Physical ranges that are mapped in a window, found by either address.
#ifndef SMMU_LIB_IOMMU_BINDINGS_H_
#define SMMU_LIB_IOMMU_BINDINGS_H_

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "smmu/iommu/iova.h"
#include "smmu/iommu/prot.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Whether who has `granted` may do all that `asked` says.  kNoExec and kPriv say what may not be
// done, so it is not they that have to be granted but their absence.
constexpr bool allows(Prot granted, Prot asked) {
  return has(granted, asked & kReadWrite) && has(asked, granted & (Prot::kNoExec | Prot::kPriv));
}

struct ByPa;
struct ByIova;

// [first, last], mapped at `iova` on.
struct Binding : boost::intrusive::set_base_hook<boost::intrusive::tag<ByPa>>,
                 boost::intrusive::set_base_hook<boost::intrusive::tag<ByIova>> {
  Binding(Pa first_address, Pa last_address, Prot rights, Iova at, const IovaRange& range)
      : first(first_address), last(last_address), prot(rights), iova(at), pages(range) {}

  const Pa first;
  const Pa last;
  const Prot prot;
  const Iova iova;
  const IovaRange pages;  // of the window
  std::uint64_t references = 1;

  // REQUIRES: it is no wrapping range.
  std::uint64_t size() const { return last.value - first.value + 1; }
  Iova iova_of(Pa pa) const { return Iova(iova.value + (pa.value - first.value)); }
};

// Ranges may overlap physically, and do not in the window.  They are of whoever puts them in.
class Bindings {
 public:
  bool empty() const { return by_pa_.empty(); }
  void insert(Binding& binding);
  void remove(Binding& binding);

  // One that contains [first, last] and allows what `prot` says: of several the one that begins
  // highest; of those, the one that ends lowest; of those, the one that came last.  Looks,
  // downwards, at those alone that begin no farther below `last` than the largest of all bindings
  // reaches: as a rule these are few, and they are never more than the window has granules, which
  // Domain::kMostWindowPages bounds.
  Binding* find(Pa first, Pa last, Prot prot);
  Binding* find(Iova iova);
  // Any; null: there is none.
  Binding* any() { return empty() ? nullptr : &*by_pa_.begin(); }

 private:
  struct InPa {
    bool operator()(const Binding& a, const Binding& b) const {
      return a.first != b.first ? a.first < b.first : a.last > b.last;
    }
  };
  struct InIova {
    bool operator()(const Binding& a, const Binding& b) const { return a.iova < b.iova; }
  };
  template <class Tag>
  using Hook =
      boost::intrusive::base_hook<boost::intrusive::set_base_hook<boost::intrusive::tag<Tag>>>;

  boost::intrusive::multiset<Binding, Hook<ByPa>, boost::intrusive::compare<InPa>> by_pa_;
  boost::intrusive::set<Binding, Hook<ByIova>, boost::intrusive::compare<InIova>> by_iova_;
  std::uint64_t longest_ = 0;  // last - first, of all there have been since there were none
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_BINDINGS_H_
